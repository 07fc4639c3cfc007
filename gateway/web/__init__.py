"""HTTP routes, pages and the browsers' sockets."""
