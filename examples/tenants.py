"""Many customers, each with a lemlist account of his own, in one process; on the sandbox.

python examples/tenants.py
"""

import asyncio

from lemlist_async import LemlistPool, errors
from lemlist_async.sandbox import Sandbox

KEYS = {f"tenant-{number}": f"key-of-tenant-{number}" for number in range(50)}


async def key_of(tenant: str) -> str | None:
    """The key of a tenant: in a service, from the database or a vault."""
    return KEYS.get(tenant)


async def report(pool: LemlistPool, tenant: str) -> int:
    """Count the campaigns of one tenant; all tenants call at once, and none waits for another."""
    lemlist = await pool.client(tenant)
    await lemlist.campaigns.create(name=f"Spring of {tenant}")
    return len(await lemlist.campaigns.list().collect())


async def main() -> None:
    async with (
        Sandbox(keys=[*KEYS.values()]) as sandbox,
        LemlistPool(key_of, base_url=sandbox.url) as pool,
    ):
        counts = await asyncio.gather(*(report(pool, tenant) for tenant in KEYS))
        print(f"{len(counts)} tenants, {sum(counts)} campaigns, {sandbox.counters.refused} refused")
        try:
            await pool.client("a-stranger")
        except errors.UnknownTenantError as unknown:
            print("as expected:", unknown)


if __name__ == "__main__":
    asyncio.run(main())
