export { cleanUp } from './clean-up.js';
export { deployment } from './deployment.js';
export { gateway } from './gateway.js';
export { openGateway, probeGateway } from './look.js';
export { tellPerson } from './page.js';
export { provision, repair } from './provision.js';
export { dropSnapshot, replaceContainer } from './replace-container.js';
export { rotateToken, wayBack } from './rotate-token.js';
export { searchLives, takeUp } from './take-up.js';
