from xrun_plugin import optimizer, serve


@optimizer("signsgd", summary="the sign of the gradient")
class SignSGD:
    def __init__(self, theta):
        pass

    def step(self, theta, grad, lr):
        for i in range(len(theta)):
            theta[i] -= lr * ((grad[i] > 0) * 1.0 - (grad[i] < 0) * 1.0)


serve(version="1.0.0")
