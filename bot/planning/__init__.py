"""What one request holds: how full the thread is, where to cut, what to cache, what to summarise."""
