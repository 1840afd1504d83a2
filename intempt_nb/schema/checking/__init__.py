"""Data held against a schema: conversion column by column, checks and validation."""
