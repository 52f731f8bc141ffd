"""A first look, on the sandbox: campaigns, leads, an error, what the throttle says.

python examples/quickstart.py
"""

import asyncio

from lemlist_async import Lemlist, errors
from lemlist_async.sandbox import Sandbox


async def main() -> None:
    async with Sandbox() as sandbox, Lemlist(sandbox.key, base_url=sandbox.url) as lemlist:
        campaign = await lemlist.campaigns.create(name="Spring")
        for name in ("Ann", "Bob", "Cleo"):
            await lemlist.leads.create(campaign.id, email=f"{name.lower()}@example.com", first_name=name)

        try:
            await lemlist.leads.create(campaign.id, email="ann@example.com")
        except errors.LeadAlreadyExistsError as there:
            print("as expected:", there)

        async for page in lemlist.campaigns.list().pages():
            print(page.total, "campaigns, the first one:", page.items[0])
        for lead in await lemlist.campaigns.export_leads(campaign.id):
            print(lead.first_name, lead.email, lead.extra)
        print(lemlist.throttle, lemlist.throttle.stats)


if __name__ == "__main__":
    asyncio.run(main())
