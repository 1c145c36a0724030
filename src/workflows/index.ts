export { cleanUp } from './clean-up.js';
export { deployment } from './deployment.js';
export { gateway } from './gateway.js';
export { listDevices, openGateway, probeGateway } from './look.js';
export { denyDevice, pairDevice, unpairDevice } from './pair-device.js';
export { tellPerson } from './page.js';
export { provision, repair } from './provision.js';
export { rotateToken, wayBack } from './rotate-token.js';
export { searchLives, takeUp } from './take-up.js';
