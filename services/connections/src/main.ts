import { createLogger, readConfig, runService } from '@sluice/service-kit'
import { ConnectionsConfig } from './config.ts'
import { start } from './index.ts'

const config = readConfig(ConnectionsConfig, process.env)
const logger = createLogger('connections', config.LOG_LEVEL)
await runService(logger, () => start(config, logger))
