"""From text to tokens: layout dropped, fonts folded, bars classified, differentials found."""
