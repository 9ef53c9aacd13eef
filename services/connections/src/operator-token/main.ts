import { createAccessToken, createLogger, hashAccessToken, readConfig } from '@sluice/service-kit'
import { Type } from 'typebox'
import { v7 as uuidv7 } from 'uuid'
import { openConnectionsDatabase } from '../adapters/postgres/database.ts'
import { createOperatorTokenStore } from '../adapters/postgres/operator-token-store.ts'
import { ConnectionsConfig } from '../config.ts'

// Makes an operator token and prints it, this once: `npm run operator-token -w services/connections -- <name>`.
const config = readConfig(Type.Pick(ConnectionsConfig, ['DATABASE_URL', 'LOG_LEVEL']), process.env)
const logger = createLogger('operator-token', config.LOG_LEVEL)
const [name = 'made by command'] = process.argv.slice(2)
const database = openConnectionsDatabase(config.DATABASE_URL, logger)
const token = createAccessToken('slo')
try {
  await createOperatorTokenStore(database).insert({ id: uuidv7(), name, hash: hashAccessToken(token) }, 'command')
  process.stdout.write(`${token}\n`)
} finally {
  await database.close()
}
