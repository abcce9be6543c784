"""The config version rises with whatever decides how notices are taken in, whoever writes it, and with nothing else."""

from __future__ import annotations

from pathlib import Path

from storage_support import ids, shop
from todoke.storage import channels, config_version
from todoke.storage.channels import ApiKey
from todoke.storage.database import Database

COUNTED = (
    "UPDATE api_keys SET revoked_at = 5",
    "UPDATE channels SET mode = 'test'",
    "UPDATE channels SET test_numbers = '[]'",
    "UPDATE channels SET name = 'other'",
    "UPDATE templates SET review = 'approved'",
    "UPDATE templates SET findings = '[]'",
    "INSERT INTO policies (id, account_id, name, version, digest, spec, created_at) "
    "VALUES ('P1', '{account}', 'named', 1, 'd', '{{}}', 1)",
    "INSERT INTO use_cases (id, account_id, channel_id, key, published, names, state, state_at, checklist, created_at) "
    "VALUES ('U1', '{account}', '{channel}', 'delivery', 1, '{{}}', 'live', 1, '{{}}', 1)",
    "UPDATE use_cases SET state = 'suspended'",
    "DELETE FROM use_cases",
    "INSERT INTO content_settings (account_id, spec, version, by, changed_at) VALUES ('{account}', '{{}}', 1, 'me', 1)",
    "UPDATE content_settings SET version = version + 1",
    "DELETE FROM api_keys",
)
NOT_COUNTED = (
    "UPDATE channels SET owned_until = 7, fence = fence + 1, owner = 'me'",
    "UPDATE channels SET access_token = x'00', token_due_at = 9, paused_at = 3",
    "INSERT INTO policies (id, account_id, name, version, digest, spec, created_at) "
    "VALUES ('P2', '{account}', NULL, 1, 'd', '{{}}', 1)",
    "UPDATE accounts SET name = 'renamed'",
)


async def test_it_rises_with_what_decides_and_with_nothing_else(database: Database, tmp_path: Path) -> None:
    async with database.write() as tx:
        made = await shop(tx)
        key = ApiKey(id=ids.new(), account_id=made.account_id, name="k", digest="d", hint="h", created_at=0)
        await channels.insert_key(tx, key)
    # By another program, as the command line is.
    other = Database(f"sqlite:///{tmp_path / 'todoke.db'}")
    try:
        for statement, rises in [(x, True) for x in COUNTED] + [(x, False) for x in NOT_COUNTED]:
            async with database.read() as tx:
                before = await config_version.current(tx)
            async with other.write() as tx:
                filled = statement.format(account=made.account_id, channel=made.channel_id)
                await tx.exec_driver_sql(filled)
                inside = await config_version.current(tx)
            async with database.read(quick=True) as tx:
                after = await config_version.current(tx)
            assert (after > before, after) == (rises, inside), statement
    finally:
        await other.close()


async def test_a_start_mends_what_counts_it_and_keeps_the_number(database: Database) -> None:
    async with database.write() as tx:
        wanted = (
            await tx.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        ).all()
        await tx.exec_driver_sql("UPDATE config_version SET version = 41")
        await tx.exec_driver_sql("DROP TRIGGER watch_templates_new")
        await tx.exec_driver_sql("DROP TRIGGER watch_api_keys_gone")
        await tx.exec_driver_sql(
            "CREATE TRIGGER watch_api_keys_gone AFTER DELETE ON api_keys BEGIN SELECT 1; END"
        )
    await database.migrate()
    async with database.read() as tx:
        again = (await tx.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
        assert sorted(map(tuple, again)) == sorted(map(tuple, wanted))
        assert await config_version.current(tx) == 41
