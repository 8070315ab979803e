"""What a static file server has to do, asked over a socket: cases as data, and who is asked."""
