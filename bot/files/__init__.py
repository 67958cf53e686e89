"""Files that people bring: told apart by content, read in a child process, kept once.

fetching   when to get them, and how long an answer waits
preparing  the child process with its limits
child      what runs in it: pictures, papers (PDF), offices (Word, Excel), texts
kinds      what is read, what is not, and why
"""
