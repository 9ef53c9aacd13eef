import { parseArgs } from 'node:util'
import { createLogger, readConfig } from '@sluice/service-kit'
import { Type } from 'typebox'
import { v7 as uuidv7 } from 'uuid'
import { openConnectionsDatabase } from '../adapters/postgres/database.ts'
import { createOperatorTokenStore } from '../adapters/postgres/operator-token-store.ts'
import { createOperatorToken } from '../application/create-operator-token.ts'
import { ConnectionsConfig } from '../config.ts'
import { COMMAND } from '../domain/actor.ts'
import { commandFault } from './command-fault.ts'

// Makes an operator token and prints it, this once, an admin's unless told:
// `npm run operator-token -w services/connections -- <name> [--role viewer] [--expires-at 2030-01-01T00:00:00Z]`.
const config = readConfig(Type.Pick(ConnectionsConfig, ['DATABASE_URL', 'LOG_LEVEL']), process.env)
const logger = createLogger('operator-token', config.LOG_LEVEL)
const database = openConnectionsDatabase(config.DATABASE_URL, logger)
try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { role: { type: 'string', default: 'admin' }, 'expires-at': { type: 'string' } },
  })
  const { role, 'expires-at': expiresAt } = values
  const [name = 'made by command'] = positionals
  const document = { name, role, ...(expiresAt === undefined ? {} : { expiresAt }) }
  const operatorTokens = createOperatorTokenStore(database)
  const { token } = await createOperatorToken(
    { operatorTokens, now: () => new Date(), newId: uuidv7 },
    COMMAND,
    document,
  )
  process.stdout.write(`${token}\n`)
} catch (error) {
  process.stderr.write(`${commandFault(error)}\n`)
  process.exitCode = 1
} finally {
  await database.close()
}
