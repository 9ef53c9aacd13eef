import { createLogger, readConfig, runService, serveMetrics } from '@sluice/service-kit'
import { UsageConfig } from './config.ts'
import { start } from './index.ts'

const config = readConfig(UsageConfig, process.env)
const logger = createLogger('usage', config.LOG_LEVEL)
await runService(logger, async () => {
  await serveMetrics('usage', config)
  return start(config, logger)
})
