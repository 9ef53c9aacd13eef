import { createLogger, readConfig, runService, serveMetrics } from '@sluice/service-kit'
import { CapacityConfig } from './config.ts'
import { start } from './index.ts'

const config = readConfig(CapacityConfig, process.env)
const logger = createLogger('capacity', config.LOG_LEVEL)
await runService(logger, async () => {
  await serveMetrics('capacity', config)
  return start(config, logger)
})
