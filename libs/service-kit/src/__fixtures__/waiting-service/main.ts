import { Type } from 'typebox'
import { commonSettings } from '../../common-settings.ts'
import { runService } from '../../run-service.ts'

const config = Type.Object({ ...commonSettings, NEEDED: Type.String() })

/** A service whose start waits for something that never comes. */
const start = (): Promise<never> => {
  process.stdout.write('waiting\n')
  return new Promise(() => setInterval(() => undefined, 60_000))
}

await runService({ name: 'fixture', config, start }, process.env)
