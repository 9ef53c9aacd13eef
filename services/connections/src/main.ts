import { runService } from '@sluice/service-kit'
import { ConnectionsConfig } from './config.ts'
import { start } from './index.ts'

await runService({ name: 'connections', config: ConnectionsConfig, start }, process.env)
