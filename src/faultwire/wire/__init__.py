"""The wire: a transparent proxy between a caller and its upstream that can break in every way.

As a process it is `faultwire wire`. In a program it runs in an event loop, best uvloop's:

    plan = Plan(asyncio.get_running_loop())
    ledger = Ledger(on_begin=lambda record, head: heads.append(head))
    async with Wire(Upstream("http://127.0.0.1:8080"), port=0, plan=plan, ledger=ledger) as wire:
        plan.add(read_break({"fault": "slow_body", "rate": 0.5, "seed": 7}))
        ...  # requests to wire.url
        plan.reset()
        for record in ledger.find(Query(request_id="7f", limit=1000)).records:
            print(record.place, record.status, record.fault, record.client_closed)

`Wire` is in `wire.proxy`, `Upstream` in `wire.upstream`, `Plan` in `wire.plan`, `read_break` in
`wire.plan.breaks`, and `Ledger`, `Query` and `Record` in `wire.ledger`. All belong to the thread
of their loop: another one calls them by `loop.call_soon_threadsafe`. `plan` and `ledger` can be
left out, and are then found as `wire.plan` and `wire.ledger`.

A request that was tried three times has three records of its X-Request-ID. A record is the live
one: it changes until its exchange has ended, and when its connection closes. The first listening
socket needs the upstream: while that refuses, so does the wire (`await wire.until(State.OPEN)`).
"""
