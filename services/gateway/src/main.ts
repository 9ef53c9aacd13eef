import { runService } from '@sluice/service-kit'
import { GatewayConfig } from './config.ts'
import { start } from './index.ts'

await runService({ name: 'gateway', config: GatewayConfig, start, outlivesFaults: true }, process.env)
