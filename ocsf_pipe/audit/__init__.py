"""The audit log of an application that uses language models: two lines, standard library only, durable.

    from ocsf_pipe.audit import AuditLog
    log = AuditLog("support-bot", url="http://127.0.0.1:4318/ingest")

    with log.call(model="gpt-4.1", provider="openai", prompt=question) as call:
        answer = ask(question)
        call.usage(input=812, output=64)
        call.tool("search_orders", arguments={"customer": 7})

No text of a prompt or an answer is kept unless `content=True`. docs/audit.md has the whole contract.
"""

from ocsf_pipe.audit.call import Call
from ocsf_pipe.audit.content import Content
from ocsf_pipe.audit.handler import AuditHandler
from ocsf_pipe.audit.litellm import litellm_callback
from ocsf_pipe.audit.log import AuditLog

__all__ = ["AuditHandler", "AuditLog", "Call", "Content", "litellm_callback"]
