"""What the differential and the client tests share: starting and stopping servers."""
