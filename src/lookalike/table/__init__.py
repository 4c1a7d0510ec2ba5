"""What a table is: its columns, their kinds, dtypes and dates."""
