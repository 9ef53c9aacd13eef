export { type DatabaseOptions, isPassing, isRefusedData, openDatabase } from './database.ts'
export { type MigrateOptions, migrate } from './migrate.ts'
