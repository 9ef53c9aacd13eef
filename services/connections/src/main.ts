import { createLogger, readConfig, runService, serveMetrics } from '@sluice/service-kit'
import { ConnectionsConfig } from './config.ts'
import { start } from './index.ts'

const config = readConfig(ConnectionsConfig, process.env)
const logger = createLogger('connections', config.LOG_LEVEL)
await runService(logger, async () => {
  await serveMetrics('connections', config)
  return start(config, logger)
})
