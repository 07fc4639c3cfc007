"""One partner's sound: from a browser's offer to audio in session time, and on to the other's ear."""
