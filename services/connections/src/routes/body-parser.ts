import { SluiceError } from '@sluice/contracts'
import { jsonObjectFault } from '@sluice/providers'
import type { App } from './routes.ts'

/**
 * Takes bodies as JSON alone. An empty one counts as none: clients state the content type on requests without a body, too, and a
 * route that needs a body says so itself.
 */
export function parseBodies(app: App): void {
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.removeContentTypeParser(['application/json', 'text/plain'])
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body: string, done) => {
    if (body === '') done(null, undefined)
    else {
      void parseJson(request, body, (error, value) => {
        if (error === null) return done(null, value)
        const fault = jsonObjectFault(Buffer.from(body)) ?? POISONED
        done(new SluiceError('invalid_request', fault))
      })
    }
  })
}

/** Valid JSON, which the parser refuses: it would change what every object inherits. */
const POISONED = 'The body has a member "__proto__", or "constructor" with a "prototype": no document here has one.'
