"""kentongan-config: lays what the centre ordered over the configuration, and takes it away again if that does no good.

Started by a path unit when something waits in the inbox, and gone when it is done.
"""
