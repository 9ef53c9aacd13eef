import { createLogger, readConfig, runService, serveMetrics } from '@sluice/service-kit'
import { DiscoveryConfig } from './config.ts'
import { start } from './index.ts'

const config = readConfig(DiscoveryConfig, process.env)
const logger = createLogger('discovery', config.LOG_LEVEL)
await runService(logger, async () => {
  await serveMetrics('discovery', config)
  return start(config, logger)
})
