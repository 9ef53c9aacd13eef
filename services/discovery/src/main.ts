import { runService } from '@sluice/service-kit'
import { DiscoveryConfig } from './config.ts'
import { start } from './index.ts'

await runService({ name: 'discovery', config: DiscoveryConfig, start }, process.env)
