import { runService } from '@sluice/service-kit'
import { CapacityConfig } from './config.ts'
import { start } from './index.ts'

await runService({ name: 'capacity', config: CapacityConfig, start }, process.env)
