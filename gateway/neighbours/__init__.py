"""Practices whose two partners sit at different gateways: homes, guests, and the letters between them."""
