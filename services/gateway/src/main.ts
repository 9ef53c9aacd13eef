import { createLogger, readConfig, runService, serveMetrics } from '@sluice/service-kit'
import { GatewayConfig } from './config.ts'
import { start } from './index.ts'

const config = readConfig(GatewayConfig, process.env)
const logger = createLogger('gateway', config.LOG_LEVEL)
await runService(logger, async () => {
  await serveMetrics('gateway', config)
  return start(config, logger)
})
