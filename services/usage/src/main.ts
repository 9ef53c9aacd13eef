import { runService } from '@sluice/service-kit'
import { UsageConfig } from './config.ts'
import { start } from './index.ts'

await runService({ name: 'usage', config: UsageConfig, start }, process.env)
