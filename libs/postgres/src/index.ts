export { type DatabaseOptions, openDatabase } from './database.ts'
export {
  createDeadLetterTable,
  type DeadLetters,
  MAX_DEAD_LETTER_BYTES,
  MAX_DEAD_LETTERS,
  postgresDeadLetters,
} from './dead-letters.ts'
export { isRefusedData, isTransient } from './errors.ts'
export { type MigrateOptions, migrate } from './migrate.ts'
export { readStored, StoredInstant } from './stored-rows.ts'
