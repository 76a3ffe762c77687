"""The process beside the job: ring to spool to server. It outlives the job and needs neither torch nor numpy."""
