"""`kentongan centre simulate`: thousands of boxes in one process, to see what a broker and a centre can bear.

They are boxes as the network sees them: our events, signatures, beats, states and wills, our delivery table, our
backoff; no panel, no disk, no lamp. They are admitted under a root of their own and never under a real centre's.
"""
