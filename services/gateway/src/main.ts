import { runService } from '@sluice/service-kit'
import { GatewayConfig } from './config.ts'
import { start } from './server.ts'

await runService({ name: 'gateway', config: GatewayConfig, start, outlivesFaults: true }, process.env)
