import { readFile } from 'node:fs/promises'
import { validate } from '@sluice/contracts'
import { ConfigError } from '@sluice/service-kit'
import { PriceList } from './price-list.ts'

/**
 * Reads a price list, the service's own where no file is given.
 * @throws ConfigError saying what is wrong with the file
 */
export async function readPriceList(file: string | undefined): Promise<PriceList> {
  const list = validate(PriceList, await readJson(file ?? OWN_LIST))
  if (list.valid) return list.value
  const faults = list.errors.map(({ field, message }) => `PRICE_LIST_FILE ${field} ${message}`)
  throw new ConfigError(faults.join('\n'))
}

const OWN_LIST = new URL('prices.json', import.meta.url)

async function readJson(file: string | URL): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ConfigError(`PRICE_LIST_FILE cannot be read: ${reason}`, { cause })
  }
}
