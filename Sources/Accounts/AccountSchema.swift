import GRDB
import Store

/// The tables of this domain.
enum AccountSchema {
    static func prepare(_ store: Store) throws {
        try store.migrate([users, ledger, audit, networks])
    }

    /// Ids of users are never used again, so that what outlives a user (ledger, audit log) never becomes another's.
    private static let users = StoreMigration("accounts-1 users") { database in
        try database.execute(
            sql: """
                CREATE TABLE accountUser (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    username TEXT NOT NULL COLLATE NOCASE UNIQUE,
                    email TEXT NOT NULL COLLATE NOCASE UNIQUE,
                    role TEXT NOT NULL CHECK (role IN ('admin', 'user')),
                    active INTEGER NOT NULL CHECK (active IN (0, 1)),
                    created REAL NOT NULL,
                    passwordHash TEXT NOT NULL,
                    passwordState TEXT NOT NULL CHECK (passwordState IN ('chosen', 'oneTime', 'spent')),
                    generation INTEGER NOT NULL DEFAULT 0
                ) STRICT;
                CREATE INDEX accountAdministrator ON accountUser (id) WHERE role = 'admin' AND active = 1;

                CREATE TABLE accountSession (
                    hash BLOB PRIMARY KEY NOT NULL,
                    user INTEGER NOT NULL REFERENCES accountUser ON DELETE CASCADE,
                    created REAL NOT NULL,
                    used REAL NOT NULL
                ) STRICT, WITHOUT ROWID;
                CREATE INDEX accountSessionUser ON accountSession (user, used);
                CREATE INDEX accountSessionUsed ON accountSession (used);

                CREATE TABLE accountAPIToken (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    user INTEGER NOT NULL REFERENCES accountUser ON DELETE CASCADE,
                    name TEXT NOT NULL,
                    shown TEXT NOT NULL,
                    hash BLOB NOT NULL UNIQUE,
                    created REAL NOT NULL,
                    used REAL,
                    revoked REAL
                ) STRICT;
                CREATE INDEX accountAPITokenUser ON accountAPIToken (user, id);

                CREATE TABLE accountEndedJWT (
                    id TEXT PRIMARY KEY NOT NULL,
                    expires REAL NOT NULL
                ) STRICT, WITHOUT ROWID;
                """)
    }

    /// Each entry also holds the balance after it, so that a balance is one look-up; the triggers see to it that this is always the
    /// sum of the entries, and that entries never change. `INSERT OR REPLACE` would remove entries without firing the trigger on
    /// DELETE, so the one on INSERT refuses whatever collides.
    private static let ledger = StoreMigration("accounts-2 ledger") { database in
        try database.execute(
            sql: """
                CREATE TABLE ledgerEntry (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    user INTEGER NOT NULL,
                    kind TEXT NOT NULL,
                    amount INTEGER NOT NULL,
                    balance INTEGER NOT NULL CHECK (balance BETWEEN 0 AND 9007199254740991),
                    key TEXT,
                    reservation INTEGER REFERENCES ledgerEntry,
                    reason TEXT NOT NULL,
                    at REAL NOT NULL,
                    CHECK (
                        (kind = 'grant' AND key IS NOT NULL AND reservation IS NULL)
                        OR (kind = 'reserve' AND amount <= 0 AND key IS NOT NULL AND reservation IS NULL)
                        OR (kind IN ('settle', 'refund') AND amount >= 0 AND key IS NULL AND reservation IS NOT NULL)
                    )
                ) STRICT;
                CREATE INDEX ledgerEntryUser ON ledgerEntry (user, id, balance);
                CREATE UNIQUE INDEX ledgerEntryKey ON ledgerEntry (user, key) WHERE key IS NOT NULL;
                CREATE UNIQUE INDEX ledgerEntryReservation ON ledgerEntry (reservation) WHERE reservation IS NOT NULL;
                CREATE INDEX ledgerEntryReserve ON ledgerEntry (id) WHERE kind = 'reserve';

                CREATE TRIGGER ledgerEntryStays BEFORE DELETE ON ledgerEntry
                BEGIN SELECT RAISE(ABORT, 'entries of the ledger are never removed'); END;

                CREATE TRIGGER ledgerEntryHolds BEFORE UPDATE ON ledgerEntry
                BEGIN SELECT RAISE(ABORT, 'entries of the ledger never change'); END;

                CREATE TRIGGER ledgerEntryIsNew BEFORE INSERT ON ledgerEntry
                WHEN EXISTS (SELECT 1 FROM ledgerEntry WHERE id = NEW.id)
                    OR (NEW.key IS NOT NULL
                        AND EXISTS (SELECT 1 FROM ledgerEntry WHERE user = NEW.user AND key = NEW.key))
                    OR (NEW.reservation IS NOT NULL
                        AND EXISTS (SELECT 1 FROM ledgerEntry WHERE reservation = NEW.reservation))
                BEGIN SELECT RAISE(ABORT, 'entries of the ledger are never replaced'); END;

                CREATE TRIGGER ledgerEntryAdds BEFORE INSERT ON ledgerEntry
                WHEN NEW.balance <> NEW.amount + COALESCE(
                    (SELECT balance FROM ledgerEntry WHERE user = NEW.user ORDER BY id DESC LIMIT 1), 0)
                BEGIN SELECT RAISE(ABORT, 'the balance does not follow from the entries'); END;

                CREATE TRIGGER ledgerEntryIsLast AFTER INSERT ON ledgerEntry
                WHEN EXISTS (SELECT 1 FROM ledgerEntry WHERE id > NEW.id)
                BEGIN SELECT RAISE(ABORT, 'entries of the ledger are only appended'); END;

                CREATE TRIGGER ledgerEntryCloses BEFORE INSERT ON ledgerEntry
                WHEN NEW.reservation IS NOT NULL AND NOT EXISTS (
                    SELECT 1 FROM ledgerEntry AS opened
                    WHERE opened.id = NEW.reservation AND opened.kind = 'reserve' AND opened.user = NEW.user
                        AND NEW.amount <= -opened.amount AND (NEW.kind = 'settle' OR NEW.amount = -opened.amount))
                BEGIN SELECT RAISE(ABORT, 'this gives back what was not reserved'); END;
                """)
    }

    private static let audit = StoreMigration("accounts-3 audit log") { database in
        try database.execute(
            sql: """
                CREATE TABLE auditEntry (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    at REAL NOT NULL,
                    actor TEXT NOT NULL,
                    actorUser INTEGER,
                    action TEXT NOT NULL,
                    subject TEXT NOT NULL,
                    subjectUser INTEGER,
                    address TEXT,
                    outcome TEXT NOT NULL,
                    details TEXT NOT NULL
                ) STRICT;
                CREATE INDEX auditEntryActor ON auditEntry (actorUser, id) WHERE actorUser IS NOT NULL;
                CREATE INDEX auditEntrySubject ON auditEntry (subjectUser, id) WHERE subjectUser IS NOT NULL;

                CREATE TRIGGER auditEntryStays BEFORE DELETE ON auditEntry
                BEGIN SELECT RAISE(ABORT, 'entries of the audit log are never removed'); END;

                CREATE TRIGGER auditEntryHolds BEFORE UPDATE ON auditEntry
                BEGIN SELECT RAISE(ABORT, 'entries of the audit log never change'); END;

                CREATE TRIGGER auditEntryIsNew BEFORE INSERT ON auditEntry
                WHEN EXISTS (SELECT 1 FROM auditEntry WHERE id = NEW.id)
                BEGIN SELECT RAISE(ABORT, 'entries of the audit log are never replaced'); END;

                CREATE TRIGGER auditEntryIsLast AFTER INSERT ON auditEntry
                WHEN EXISTS (SELECT 1 FROM auditEntry WHERE id > NEW.id)
                BEGIN SELECT RAISE(ABORT, 'entries of the audit log are only appended'); END;
                """)
    }

    private static let networks = StoreMigration("accounts-4 networks") { database in
        try database.execute(
            sql: """
                CREATE TABLE accountNetwork (
                    user INTEGER NOT NULL REFERENCES accountUser ON DELETE CASCADE,
                    network BLOB NOT NULL,
                    used REAL NOT NULL,
                    PRIMARY KEY (user, network)
                ) STRICT, WITHOUT ROWID;
                """)
    }
}
