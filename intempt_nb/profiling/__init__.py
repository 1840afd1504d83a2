"""What the columns of any rows hold, told in one pass over them."""
