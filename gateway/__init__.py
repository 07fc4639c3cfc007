"""The only folder that meets the network: HTTP, WebSocket, WebRTC, people and permissions."""
