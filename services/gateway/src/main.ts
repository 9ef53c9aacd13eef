import { createLogger, readConfig, runService } from '@sluice/service-kit'
import { GatewayConfig } from './config.ts'
import { start } from './index.ts'

const config = readConfig(GatewayConfig, process.env)
const logger = createLogger('gateway', config.LOG_LEVEL)
await runService(logger, () => start(config, logger))
