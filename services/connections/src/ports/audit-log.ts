import type { AuditEntry, NewAuditEntry } from '../domain/audit-entry.ts'

export interface AuditQuery {
  /** Only what is about this connection, API key or operator token. */
  readonly subjectId?: string
  /** Only entries with a smaller id. */
  readonly beforeId?: number
  readonly limit: number
}

/** Who did what. The stores write the entries of changes themselves, in each change's own transaction. */
export interface AuditLog {
  record(entry: NewAuditEntry): Promise<void>
  /** Newest first. */
  list(query: AuditQuery): Promise<readonly AuditEntry[]>
}
