import { createLogger, readConfig, runService } from '@sluice/service-kit'
import { CapacityConfig } from './config.ts'
import { start } from './index.ts'

const config = readConfig(CapacityConfig, process.env)
const logger = createLogger('capacity', config.LOG_LEVEL)
await runService(logger, () => start(config, logger))
