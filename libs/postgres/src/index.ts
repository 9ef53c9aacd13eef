export { type DatabaseOptions, isPassing, isRefusedData, openDatabase } from './database.ts'
export {
  createDeadLetterTable,
  type DeadLetterMessage,
  type DeadLetters,
  MAX_DEAD_LETTER_BYTES,
  MAX_DEAD_LETTERS,
  postgresDeadLetters,
} from './dead-letters.ts'
export { type MigrateOptions, migrate } from './migrate.ts'
