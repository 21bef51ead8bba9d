"""Treats a SQLite file as a Dapr 1.18 sidecar does: its schema, its statements, its settings."""
import sqlite3
import sys
import uuid

database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA busy_timeout = 800")
database.execute("PRAGMA journal_mode = WAL")
database.execute("BEGIN EXCLUSIVE")
database.execute(
    "CREATE TABLE IF NOT EXISTS metadata (key text NOT NULL PRIMARY KEY, value text NOT NULL)"
)
if not database.execute("SELECT 1 FROM metadata WHERE key = 'nr-migrations'").fetchone():
    database.execute(
        "CREATE TABLE hosts (registration_id TEXT NOT NULL PRIMARY KEY, address TEXT NOT NULL, "
        "app_id TEXT NOT NULL, namespace TEXT NOT NULL, last_update INTEGER NOT NULL)"
    )
    database.execute("CREATE UNIQUE INDEX hosts_address_idx ON hosts (address)")
    database.execute("CREATE INDEX hosts_last_update_idx ON hosts (last_update)")
    database.execute("INSERT INTO metadata (key, value) VALUES ('nr-migrations', '1')")
database.execute("COMMIT")

registration, address = str(uuid.uuid4()), "[fd00::5]:50002"
database.execute(
    "REPLACE INTO hosts (registration_id, address, app_id, namespace, last_update) "
    "VALUES (?, ?, ?, ?, unixepoch(CURRENT_TIMESTAMP))",
    (registration, address, "dapr-app", ""),
)
print("registered")


def answer(command, argument):
    if command == "resolve":
        row = database.execute(
            "SELECT address FROM hosts WHERE ROWID = (SELECT ROWID FROM hosts WHERE app_id = ? "
            "AND unixepoch(CURRENT_TIMESTAMP) - last_update < 5 ORDER BY RANDOM() LIMIT 1)",
            (argument,),
        ).fetchone()
        return row[0] if row else "no host found with the given ID"
    if command == "renew":
        return database.execute(
            "UPDATE hosts SET last_update = unixepoch(CURRENT_TIMESTAMP) "
            "WHERE registration_id = ? AND address = ?",
            (registration, address),
        ).rowcount
    if command == "cleanup":
        # The interval is given in milliseconds, and compared with seconds.
        turn = database.execute(
            "INSERT INTO metadata (key, value) VALUES ('nr-last-cleanup', CURRENT_TIMESTAMP) "
            "ON CONFLICT (key) DO UPDATE SET value = CURRENT_TIMESTAMP "
            "WHERE unixepoch(CURRENT_TIMESTAMP) - unixepoch(value) > ?",
            (3600000 - 100,),
        ).rowcount
        return "my turn" if turn > 0 else "not my turn"
    if command == "migrations":
        return database.execute("SELECT value FROM metadata WHERE key = 'nr-migrations'").fetchone()[0]
    if command == "unregister":
        return database.execute(
            "DELETE FROM hosts WHERE registration_id = ? AND address = ?", (registration, address)
        ).rowcount
    return "unknown command"


for line in sys.stdin:
    command, _, argument = line.strip().partition(" ")
    print(answer(command, argument))
