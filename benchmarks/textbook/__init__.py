"""The saga as most tutorials write it: a transaction and an awaited publish for each message, and a polled outbox."""
