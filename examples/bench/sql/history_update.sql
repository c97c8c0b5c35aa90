update journey set amount = amount + 1 where n between {first} and {last}
