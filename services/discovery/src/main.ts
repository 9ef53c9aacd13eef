import { createLogger, readConfig, runService } from '@sluice/service-kit'
import { DiscoveryConfig } from './config.ts'
import { start } from './index.ts'

const config = readConfig(DiscoveryConfig, process.env)
const logger = createLogger('discovery', config.LOG_LEVEL)
await runService(logger, () => start(config, logger))
