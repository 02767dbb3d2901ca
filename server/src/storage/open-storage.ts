import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { sql } from 'kysely';
import { AppError } from '../core/errors.ts';
import type { ApiKeyRepository } from '../core/ports/api-key-repository.ts';
import type { AssistantRepository } from '../core/ports/assistant-repository.ts';
import type { AuditLog } from '../core/ports/audit-log.ts';
import type { CallRepository } from '../core/ports/call-repository.ts';
import type { CredentialRepository } from '../core/ports/credential-repository.ts';
import type { DeploymentRepository } from '../core/ports/deployment-repository.ts';
import type { EventLog } from '../core/ports/event-log.ts';
import type { IdempotencyStore } from '../core/ports/idempotency-store.ts';
import type { NodeRepository } from '../core/ports/node-repository.ts';
import type { NumberListRepository } from '../core/ports/number-list-repository.ts';
import type { OutboundRepository } from '../core/ports/outbound-repository.ts';
import type { SealedSecretStore } from '../core/ports/sealed-secret-store.ts';
import type { TransferRepository } from '../core/ports/transfer-repository.ts';
import { PostgresApiKeyRepository } from './postgres/api-key-repository.ts';
import { PostgresAssistantRepository } from './postgres/assistant-repository.ts';
import { PostgresAuditLog } from './postgres/audit-repository.ts';
import { PostgresCallRepository } from './postgres/call-repository.ts';
import { PostgresCredentialRepository } from './postgres/credential-repository.ts';
import { PostgresDeploymentRepository } from './postgres/deployment-repository.ts';
import { askWhoItIs, readPostmasterFile, socketConnection } from './postgres/embedded/postmaster.ts';
import {
  CLUSTER_FOLDER,
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from './postgres/embedded/start-embedded-postgres.ts';
import { PostgresIdempotencyStore } from './postgres/idempotency-store.ts';
import { migrate, pendingMigrations } from './postgres/migrate.ts';
import { PostgresNodeRepository } from './postgres/node-repository.ts';
import { PostgresNumberListRepository } from './postgres/number-list-repository.ts';
import { PostgresOutboundRepository } from './postgres/outbound-repository.ts';
import { type DatabaseConnection, type Databases, openDatabases } from './postgres/pools.ts';
import { joinSecretStores } from './postgres/sealed-secrets.ts';
import { readSharedSecret } from './postgres/shared-secrets.ts';
import { exportData } from './postgres/transfer/export-data.ts';
import { importData } from './postgres/transfer/import-data.ts';
import type { TransferCounts } from './postgres/transfer/tables.ts';
import { PostgresTransferRepository } from './postgres/transfer-repository.ts';

/** The PostgreSQL that npm brought, with its files in `dataDir`, or one that runs elsewhere. */
export type DatabaseSettings =
  | { readonly type: 'embedded'; readonly dataDir: string }
  | {
      readonly type: 'url';
      /** postgres://user:password@host:port/database, secrets and all. */
      readonly url: string;
      /** Connections this process may hold, those of the rooms that bring their own included; null: 12 for the pools. */
      readonly maxConnections?: number | null;
    };

export type StorageOptions = { readonly database: DatabaseSettings; readonly log: EventLog };

/** Everything that is kept, and the way to the database for rooms that bring their own clients (jobs, bus). */
export interface Storage extends AsyncDisposable {
  readonly calls: CallRepository;
  readonly assistants: AssistantRepository;
  readonly apiKeys: ApiKeyRepository;
  readonly credentials: CredentialRepository;
  readonly deployments: DeploymentRepository;
  readonly numberLists: NumberListRepository;
  readonly audit: AuditLog;
  readonly outbound: OutboundRepository;
  readonly transfers: TransferRepository;
  readonly idempotency: IdempotencyStore;
  readonly nodes: NodeRepository;
  /** What turning the wrapping key over works on. */
  readonly sealedSecrets: SealedSecretStore;
  readonly connection: DatabaseConnection;
  /** Null where the database runs elsewhere. */
  readonly embedded: { readonly pid: number; readonly isAdopted: boolean } | null;
  /** 32 random bytes that all nodes share under a name, made by whoever asks first: the key of SIP nonces for one. */
  sharedSecret(name: string): Promise<Uint8Array>;
  /** Writes all rows to a file of JSON lines; the keyring is not in it. Returns how many of each table. */
  exportTo(file: string): Promise<TransferCounts>;
  /** Reads such a file into this database, which must be empty. @throws AppError conflict, invalid_request, not_configured. */
  importFrom(file: string): Promise<TransferCounts>;
  /** The migrations this database lacks; after `openStorage` none. */
  pendingMigrations(): Promise<readonly string[]>;
  /** Milliseconds the database took to answer. @throws AppError database_unavailable when that is more than `timeoutMs`. */
  ping(timeoutMs: number): Promise<number>;
}

/**
 * Starts or reaches the database, brings its schema up to date and opens the pools.
 * @throws AppError not_configured, conflict or database_unavailable, saying what to do.
 */
export async function openStorage({ database, log }: StorageOptions): Promise<Storage> {
  const embedded = database.type === 'embedded' ? await startEmbeddedPostgres({ ...database, log }) : null;
  try {
    const connection = embedded?.connection ?? { connectionString: database.type === 'url' ? database.url : '' };
    const maxConnections = database.type === 'url' ? (database.maxConnections ?? null) : null;
    await migrate(connection).catch((error: unknown) => {
      throw explainStart(error, embedded);
    });
    return assemble(connection, openDatabases(connection, log, maxConnections), embedded);
  } catch (error) {
    await embedded?.stop();
    throw error;
  }
}

/**
 * Reaches the database for who only looks: nothing is migrated, and an embedded one is used over the socket of the server
 * that runs it, else started for the visit. Null: there is none yet. @throws AppError as `openStorage`.
 */
export async function visitStorage({ database, log }: StorageOptions): Promise<Storage | null> {
  if (database.type === 'url') {
    const connection = { connectionString: database.url };
    return assemble(connection, openDatabases(connection, log), null);
  }
  const clusterDir = join(resolve(database.dataDir), CLUSTER_FOLDER);
  if (!existsSync(clusterDir)) return null;
  const running = readPostmasterFile(clusterDir);
  if (running !== null && (await askWhoItIs(clusterDir, running.socketDir)) === 'ours') {
    const connection = socketConnection(running.socketDir);
    return assemble(connection, openDatabases(connection, log), null);
  }
  const embedded = await startEmbeddedPostgres({ ...database, log });
  return assemble(embedded.connection, openDatabases(embedded.connection, log), embedded);
}

function assemble(connection: DatabaseConnection, databases: Databases, embedded: EmbeddedPostgres | null): Storage {
  const close = async () => {
    await databases.close();
    await embedded?.stop();
  };
  let closing: Promise<void> | null = null;
  const apiKeys = new PostgresApiKeyRepository(databases);
  const credentials = new PostgresCredentialRepository(databases);
  return {
    calls: new PostgresCallRepository(databases),
    assistants: new PostgresAssistantRepository(databases),
    apiKeys,
    credentials,
    deployments: new PostgresDeploymentRepository(databases),
    numberLists: new PostgresNumberListRepository(databases),
    audit: new PostgresAuditLog(databases),
    outbound: new PostgresOutboundRepository(databases),
    transfers: new PostgresTransferRepository(databases),
    idempotency: new PostgresIdempotencyStore(databases),
    sealedSecrets: joinSecretStores([apiKeys, credentials]),
    nodes: new PostgresNodeRepository(databases),
    connection,
    get embedded() {
      return embedded && { pid: embedded.pid, isAdopted: embedded.isAdopted };
    },
    sharedSecret: (name) => readSharedSecret(databases.api, name),
    exportTo: (file) => exportData(connection, file),
    importFrom: (file) => importData(connection, file),
    pendingMigrations: () => pendingMigrations(connection),
    ping: (timeoutMs) => ping(databases, timeoutMs),
    [Symbol.asyncDispose]: () => {
      closing ??= close();
      return closing;
    },
  };
}

async function ping(databases: Databases, timeoutMs: number): Promise<number> {
  const startedAt = performance.now();
  const giveUp = new AbortController();
  const asked = sql`select 1`.execute(databases.media);
  const late = pause(timeoutMs, 'late', { signal: giveUp.signal });
  late.catch(() => undefined);
  try {
    const first = await Promise.race([asked, late]);
    if (first === 'late') throw new Error(`no answer within ${timeoutMs} ms`);
    return performance.now() - startedAt;
  } catch (cause) {
    throw new AppError('database_unavailable', { retryAfterSeconds: 2, cause });
  } finally {
    giveUp.abort();
    asked.catch(() => undefined);
  }
}

/** At start the operator reads it, so the reason comes along; a client never sees this one. */
function explainStart(error: unknown, embedded: EmbeddedPostgres | null): unknown {
  if (!(error instanceof AppError) || error.code !== 'database_unavailable' || error.detail) return error;
  const reason = error.cause instanceof Error ? error.cause.message || String(error.cause) : String(error.cause);
  const advice = embedded ? '' : '. Check DATABASE_URL or POSTGRES__*, and that the server takes connections from here';
  return new AppError('database_unavailable', { detail: `${reason}${advice}`, cause: error.cause });
}
