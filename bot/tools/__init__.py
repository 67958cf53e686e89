"""What Claude may use while it answers, and how a use is carried out. The only importer of mcp.

shelf        every tool there is: what is offered where
box          the tools of one answer
approving    a person's yes for calls that write
listing      BOT_TOOLS_FILE as values
servers      MCP servers, kept connected; over pipes (`pipes`) or HTTP
describing   what a server says, made fit for Claude
"""
